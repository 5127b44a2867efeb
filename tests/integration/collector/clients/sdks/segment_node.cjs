// A shop's server with @segment/analytics-node.
const { Analytics } = require('@segment/analytics-node')

const { COLLECTOR, WRITE_KEY, CAMPAIGN } = process.env
const analytics = new Analytics({ writeKey: WRITE_KEY, host: COLLECTOR })
const who = { anonymousId: 'anonymous-segment-node' }
const known = { ...who, userId: 'user-segment-node' }
const context = { campaign: { name: CAMPAIGN, source: 'facebook', medium: 'social' } }

analytics.page({ ...who, name: 'Autumn', properties: { url: 'https://shop.example/autumn' }, context })
analytics.identify({ ...known, traits: { email: 'ida@shop.example' } })
analytics.track({ ...known, event: 'Product Viewed', properties: { product_id: 'p1', price: 349 } })
analytics.on('error', (error) => { console.error(error); process.exitCode = 1 })
// Nobody buys in the millisecond in which they come.
setTimeout(() => {
  analytics.track({
    ...known,
    event: 'Order Completed',
    properties: { order_id: 'order-segment-node', revenue: 349, currency: 'NOK', new_customer: true },
  })
  analytics.closeAndFlush()
}, 500)
