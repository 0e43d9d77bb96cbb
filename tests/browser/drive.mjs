// Drives a headless browser by orders from a test, one JSON object a line in, one a line out.
//
// node drive.mjs '{"program": …, "environment": {…}, "sandbox": …}'
//   {do: "open", url, settings}   a page of a new, empty profile -> its number
//   {do: "tab", page, url}        another page of that page's profile -> its number
//   {do: "run", page, script}     what the script's value, or the promise that it is, comes to
//   {do: "go", page, url}         to another page, in place of this one
//   {do: "close", page}           as a person does
//   {do: "told", page}            what it asked for, and what it said in the console
// An order that fails is answered by {error}.

import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const { program, environment, sandbox } = JSON.parse(process.argv[2])
const QUIET = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

const launch = (chromiumSandbox) => chromium.launch({
  executablePath: program, args: QUIET, chromiumSandbox, env: { ...process.env, ...environment },
})
// Some systems let nobody have the sandbox. Only pages of the tests' own are loaded.
const browser = await launch(sandbox).catch(() => launch(false))

const pages = []

async function add(context, url) {
  const page = await context.newPage()
  const told = { requests: [], console: [] }
  page.on('request', (request) => told.requests.push(`${request.method()} ${request.url()}`))
  page.on('console', (message) => told.console.push(message.text()))
  page.on('pageerror', (error) => told.console.push(String(error)))
  pages.push({ page, told })
  await page.goto(url)
  return pages.length - 1
}

const orders = {
  open: async ({ url, settings }) => add(await browser.newContext(settings), url),
  tab: ({ page, url }) => add(pages[page].page.context(), url),
  run: ({ page, script }) => pages[page].page.evaluate(script),
  go: async ({ page, url }) => { await pages[page].page.goto(url) },
  close: async ({ page }) => {
    const closed = pages[page].page.waitForEvent('close')
    await pages[page].page.close({ runBeforeUnload: true })
    await closed
  },
  told: async ({ page }) => pages[page].told,
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  try {
    const value = await orders[order.do](order)
    console.log(JSON.stringify({ value: value ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
  }
}
await browser.close()
