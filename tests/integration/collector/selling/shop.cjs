// A shop's server with an SDK for Node that sells until SIGTERM, whatever happens to what it talks to.
// It ends by saying, as JSON, which of its events the SDK called delivered, and which it gave up.
const { COLLECTOR, WRITE_KEY, SHOP } = process.env
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const answers = { delivered: [], failed: [] }
let sent = 0

function segment() {
  const { Analytics } = require('@segment/analytics-node')
  const analytics = new Analytics({ writeKey: WRITE_KEY, host: COLLECTOR })
  analytics.on('error', () => {}) // each event's callback has it
  return [analytics, () => analytics.closeAndFlush()]
}

function rudder(options) {
  const Analytics = require('@rudderstack/rudder-sdk-node')
  const errorHandler = () => {} // without one an outage ends the process: nobody catches what a flush by the clock throws
  const analytics = new Analytics(WRITE_KEY, { dataPlaneUrl: COLLECTOR, errorHandler, ...options })
  const answered = () => answers.delivered.length + answers.failed.length
  const flush = async () => { // one sends at most 20
    for (; answered() < sent; await later(50)) await analytics.flush()
  }
  return [analytics, flush]
}

const [analytics, close] = {
  'segment-node': segment,
  'rudder-node': () => rudder({ retryCount: 10 }),
  'rudder-node-impatient': () => rudder(), // as it comes: gives up after a second and a half
}[SHOP]()
const context = { campaign: { name: 'autumn', source: SHOP, medium: 'social' } }

function send(type, userId, more) {
  sent += 1
  analytics[type]({ userId, ...more }, (error) => answers[error ? 'failed' : 'delivered'].push(`${type}-${userId}`))
}

async function sell() {
  for (let n = 0; !stopped; n++) {
    send('page', `${SHOP}-${n}`, { name: 'Autumn', context })
    await later(100)
    const order = { order_id: `${SHOP}-${n}`, revenue: 100, currency: 'NOK', new_customer: true }
    send('track', `${SHOP}-${n}`, { event: 'Order Completed', properties: order })
  }
  await close()
  await later(50) // the last callbacks come after the flush
  if (answers.delivered.length + answers.failed.length !== sent) throw new Error('events without an answer')
  console.log(JSON.stringify(answers))
  process.exit(0)
}

let stopped = false
process.on('SIGTERM', () => { stopped = true })
console.log('open')
sell()
