// One template and its data per line of JSON in, what liquidjs makes of it per line out.
'use strict'
const readline = require('readline')
const { Liquid } = require(process.argv[2] + '/node_modules/liquidjs')

const engine = new Liquid({ strictFilters: true, ownPropertyOnly: true, timezoneOffset: 'Etc/UTC' })

async function main() {
  const out = []
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { template, data } = JSON.parse(line)
    let came
    try {
      came = { text: engine.parseAndRenderSync(template, data) }
    } catch (error) {
      came = { error: String(error.message).split('\n')[0] }
    }
    out.push(JSON.stringify(came))
  }
  process.stdout.write(out.join('\n') + '\n')
}

main()
