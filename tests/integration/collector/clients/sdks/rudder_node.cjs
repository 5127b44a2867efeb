// A shop's server with @rudderstack/rudder-sdk-node.
const Analytics = require('@rudderstack/rudder-sdk-node')

const { COLLECTOR, WRITE_KEY, CAMPAIGN } = process.env
const failed = (error) => { console.error(error); process.exit(1) }
const errorHandler = (error) => console.error(error.message)
const analytics = new Analytics(WRITE_KEY, { dataPlaneUrl: COLLECTOR, retryCount: 10, errorHandler })
const who = { anonymousId: 'anonymous-rudder-node' }
const known = { ...who, userId: 'user-rudder-node' }
const context = { campaign: { name: CAMPAIGN, source: 'facebook', medium: 'social' } }

analytics.page({ ...who, name: 'Autumn', properties: { url: 'https://shop.example/autumn' }, context })
analytics.identify({ ...known, traits: { email: 'ida@shop.example' } })
analytics.track({ ...known, event: 'Product Viewed', properties: { product_id: 'p1', price: 349 } })
// Nobody buys in the millisecond in which they come.
setTimeout(() => {
  analytics.track({
    ...known,
    event: 'Order Completed',
    properties: { order_id: 'order-rudder-node', revenue: 349, currency: 'NOK', new_customer: true },
  })
  analytics.flush().then(() => process.exit(0), failed)
}, 500)
