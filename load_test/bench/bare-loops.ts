import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import type { Photo } from './photos.ts';
import { sum } from './processes.ts';

/** Our two engines, and what a program without a pipeline would do. */
export type LoopName = 'jimp' | 'sharp' | 'plain sharp' | 'plain jimp';

/** Process every photo at least once, and then go on for some seconds. The first request contains the photos. */
export type LoopRequest =
  | { readonly seconds: number }
  | { readonly loop: LoopName; readonly photos: readonly Uint8Array[]; readonly seconds: number };

const resultSchema = z.object({ images: z.number(), seconds: z.number(), cpuMs: z.number() });
/** The arguments of a `message` event. */
const replySchema = z.tuple([resultSchema]).rest(z.unknown());
export type LoopResult = z.output<typeof resultSchema>;

/** Child processes that only process images. */
export class BareLoops implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(processes: number) {
    this.#children = Array.from({ length: processes }, () =>
      fork(join(import.meta.dirname, 'bare-loop.ts'), { serialization: 'advanced' }),
    );
  }

  /** Starts them, and has each process all photos once. */
  static async start(loop: LoopName, processes: number, photos: readonly Photo[]): Promise<BareLoops> {
    const loops = new BareLoops(processes);
    await loops.#request({ loop, photos: photos.map(({ bytes }) => bytes), seconds: 0 });
    return loops;
  }

  /** Images per second of all processes together, and CPU time per image in milliseconds. */
  async run(seconds: number): Promise<{ perSecond: number; cpuMs: number }> {
    const results = await this.#request({ seconds });
    return {
      perSecond: sum(results.map((result) => result.images / result.seconds)),
      cpuMs: sum(results.map(({ cpuMs }) => cpuMs)) / sum(results.map(({ images }) => images)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill();
        await once(child, 'exit');
      }),
    );
  }

  #request(request: LoopRequest): Promise<LoopResult[]> {
    return Promise.all(
      this.#children.map(async (child) => {
        child.send(request);
        const reply = once(child, 'message');
        const exit = once(child, 'exit').then(() => Promise.reject(new Error('A bare loop has exited.')));
        const [result] = replySchema.parse(await Promise.race([reply, exit]));
        return result;
      }),
    );
  }
}
