// A stand-in for S3 on 127.0.0.1: node server.js FOLDER BUCKET…
//
// Prints its port when it listens, and ends with its standard input. It verifies signatures; the
// access key id and the secret access key are S3RVER.
'use strict';

const { Readable } = require('stream');

const S3rver = require('@20minutes/s3rver');

// All that a stream has, as another stream.
async function taken(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Readable.from(chunks);
}

// S3 replaces an object as a whole, where this store writes over it while others read, and removes
// a folder that was empty a moment ago with what came into it: so one reads, writes or removes at a
// time, from beginning to end.
function makeAtomic(store) {
  let last = Promise.resolve();
  const alone = (step) => {
    const done = last.then(step);
    last = done.catch(() => {});
    return done;
  };
  const put = store.putObject.bind(store);
  const get = store.getObject.bind(store);
  const remove = store.deleteObject.bind(store);
  store.putObject = async (object) => {
    if (object.content instanceof Readable) object.content = await taken(object.content);
    return alone(() => put(object));
  };
  store.deleteObject = (...where) => alone(() => remove(...where));
  store.getObject = (...where) =>
    alone(async () => {
      const object = await get(...where);
      if (object && object.content instanceof Readable) {
        object.content = await taken(object.content);
      }
      return object;
    });
}

async function main([directory, ...buckets]) {
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  makeAtomic(server.store);
  const { port } = await server.run();
  process.stdin.on('end', () => process.exit(0)).resume();
  console.log(port);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
