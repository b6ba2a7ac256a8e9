// Thumbnails, rotations and composites of photographs with sharp, several at a time.
//
//   node images.js make DIRECTORY            writes the photographs, once
//   node images.js edit DIRECTORY ROUNDS     the work that is measured
//   node images.js serve DIRECTORY           the same as a service: as many rounds as each
//                                            line of stdin says
//
// SHARP_FROM names the directory that sharp was installed into.

const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const sharp = createRequire(path.resolve(process.env.SHARP_FROM, 'index.js'))('sharp');
// sharp starts more threads when it finds jemalloc; all allocators get the same.
sharp.concurrency(1);
// Each edit is done for the first time, as it is for photographs that differ.
sharp.cache(false);

const PHOTOGRAPHS = [[4000, 3000], [3264, 2448], [4928, 3264], [2592, 1944]];
const AT_ONCE = 4;

const [, , command, directory, rounds] = process.argv;
const fileOf = (index) => path.join(directory, `${index}.jpg`);

// A smooth picture with noise on it, the same every time.
function pixels(width, height) {
  const data = Buffer.alloc(width * height * 3);
  let noise = 1;
  for (let at = 0; at < data.length; at += 1) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    const x = (at / 3 | 0) % width;
    const y = at / 3 / width | 0;
    data[at] = 128 + 60 * Math.sin(x / 97 + at % 3) * Math.cos(y / 131) + (noise >>> 27);
  }
  return data;
}

async function make() {
  for (const [index, [width, height]] of PHOTOGRAPHS.entries()) {
    await sharp(pixels(width, height), { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90 }).toFile(fileOf(index));
  }
}

const EDITS = [
  (photograph) => photograph.resize({ width: 1600 }).sharpen().jpeg(),
  (photograph) => photograph.rotate(90).resize({ width: 1200 }).webp({ effort: 0 }),
  (photograph) => photograph.rotate(7, { background: '#000' }).jpeg(),
  (photograph) => photograph.composite([{
    input: Buffer.alloc(1200 * 900 * 4, 96),
    raw: { width: 1200, height: 900, channels: 4 },
  }]).jpeg(),
];

async function edit(count = rounds) {
  const jobs = Array.from({ length: Number(count) * PHOTOGRAPHS.length }, (_, at) => {
    const round = Math.floor(at / PHOTOGRAPHS.length);
    const index = at % PHOTOGRAPHS.length;
    return () => EDITS[(index + round) % EDITS.length](sharp(fileOf(index))).toBuffer();
  });
  let bytes = 0;
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const made = await job(); // before `bytes` is read: others add to it meanwhile
      bytes += made.length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.log(bytes);
}

// Every edit once, of a small picture; then bursts, one after the other.
async function serve() {
  const small = { raw: { width: 120, height: 90, channels: 3 } };
  for (const change of EDITS.slice(0, 3)) {
    await change(sharp(pixels(120, 90), small)).toBuffer();
  }
  console.log('ready');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await edit(line);
  }
}

({ make, edit, serve })[command]();
