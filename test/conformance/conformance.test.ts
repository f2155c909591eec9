// The recorded facts, when their folder is there: no case may fail, and something must have run.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultFolders, runFolder } from './run.js'

const conformance = suite('conformance')
const folders = defaultFolders()

conformance('recorded facts', () => {
  // The folder is not part of a checkout: its absence is said, never an error.
  if (folders.length === 0) {
    process.stdout.write('\nSKIPPED conformance: needs the folder with the recorded facts beside the project\n')
    return
  }
  const results = folders.flatMap(runFolder)
  const failed = results.flatMap((r) => r.failed.map((f) => `${r.name}: ${f.file}: ${f.name}`))
  assert.equal(failed, [])
  assert.ok(results.reduce((n, r) => n + r.passed, 0) > 100, 'more than a hundred checks ran')
})

conformance.run()
