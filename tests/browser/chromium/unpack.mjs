// Unpacks what the package ships compressed: node unpack.mjs <the package's bin> <a folder>.

import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'

const [bin, folder] = process.argv.slice(2)
for (const [packed, unpacked] of [['chromium.br', 'chromium'], ['al2023.tar.br', 'libraries.tar']]) {
  await pipeline(
    createReadStream(join(bin, packed)),
    createBrotliDecompress(),
    createWriteStream(join(folder, unpacked), { mode: 0o755 }),
  )
}
