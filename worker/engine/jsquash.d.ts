// Types that the declarations of @jsquash/* require: Emscripten's module types, and those of the DOM that
// @types/node lacks.
/// <reference types="@jsquash/jpeg/emscripten-types.d.ts" />

/** 8-bit RGBA, not premultiplied, row by row; `data.length` = width × height × 4. */
interface ImageData {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

declare namespace WebAssembly {
  /** Compiled code without state; an instance of it holds memory. */
  class Module {
    private readonly compiled: unknown;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
