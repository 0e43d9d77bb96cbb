// Sends events with Segment's SDK for Node, as an app would.
//
// In: a JSON object on standard input: {settings, calls: [[method, arguments], …], end: "flush" | "close"}.
// Out: a JSON object: {events: how many calls have been answered for, errors: [what the SDK gave up on]}.

import { Analytics } from '@segment/analytics-node'

let text = ''
for await (const part of process.stdin) text += part
const { settings, calls, end } = JSON.parse(text)

const errors = []
let events = 0
const analytics = new Analytics(settings)
analytics.on('error', (error) => errors.push(String(error.reason ?? error.code)))
for (const [method, call] of calls) {
  if (call.timestamp) call.timestamp = new Date(call.timestamp)
  analytics[method](call, () => { events += 1 })
}
await (end === 'flush' ? analytics.flush({ timeout: 30000 }) : analytics.closeAndFlush({ timeout: 30000 }))
console.log(JSON.stringify({ events, errors }))
