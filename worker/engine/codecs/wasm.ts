import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { initEmscriptenModule } from '@jsquash/jpeg/utils.js';

/** Compiles a `.wasm` file of an npm package, e.g. `@jsquash/webp/codec/dec/webp_dec.wasm`. */
export async function compileWasm(specifier: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(fileURLToPath(import.meta.resolve(specifier))));
}

/**
 * Uses a fresh instance of a codec that Emscripten made. It takes 1 ms to make; its memory goes with it, and
 * no image can leave anything behind for the next.
 * @throws Error with what the codec would print
 */
export async function withCodec<Codec extends EmscriptenWasm.Module, Result>(
  factory: EmscriptenWasm.ModuleFactory<Codec>,
  compiled: WebAssembly.Module,
  use: (codec: Codec) => Result,
): Promise<Result> {
  const printed: string[] = [];
  const print = (line: string) => printed.push(line);
  const options = { noInitialRun: true, print, printErr: print };
  const codec = await initEmscriptenModule(factory, compiled, options);
  try {
    return use(codec);
  } catch (error) {
    throw new Error(printed.join('; ') || messageOf(error), { cause: error });
  }
}
