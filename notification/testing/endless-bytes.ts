import type { Receiver } from './receiver.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Makes the receiver respond with an endless body. Resolves with the number of bytes sent. */
export function endlessBytes(receiver: Receiver): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  receiver.answers([
    (_request, response) => {
      let bytes = 0;
      const writeOn = () => {
        do bytes += CHUNK.length;
        while (response.write(CHUNK));
      };
      response.writeHead(200);
      response.on('drain', writeOn);
      response.on('close', () => resolve(bytes));
      writeOn();
    },
  ]);
  return promise;
}
