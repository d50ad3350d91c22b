/** What must become of an upload: the API's response, and for what it accepts the end of the job. */
export type Expectation =
  | { readonly upload: { readonly status: 400 | 415; readonly code: string } }
  | {
      readonly upload: { readonly status: 202 };
      /** For the field `operations`. */
      readonly operations: string;
      readonly state: 'failed';
      readonly error_code: string;
    }
  | {
      readonly upload: { readonly status: 202 };
      readonly operations: string;
      readonly state: 'completed';
      /** Sizes in pixels. */
      readonly result: { readonly width: number; readonly height: number; readonly content_type: string };
    };

/** One file in `manifest.json`. */
export type ManifestEntry = Expectation & { readonly file: string; readonly description: string };

export interface TestImage {
  readonly entry: ManifestEntry;
  readonly make: () => Buffer | Promise<Buffer>;
}

interface What {
  readonly file: string;
  readonly description: string;
  readonly make: () => Buffer | Promise<Buffer>;
}

/** An image whose job completes. @param result e.g. "800x533 image/jpeg" */
export function completes({ make, ...what }: What, operations: string, result: string): TestImage {
  const [, width, height, content_type = ''] = /^(\d+)x(\d+) (.+)$/.exec(result) ?? [];
  const expected = { width: Number(width), height: Number(height), content_type };
  return {
    make,
    entry: { ...what, upload: { status: 202 }, operations, state: 'completed', result: expected },
  };
}

/** An image that is accepted, since its first bytes are good, but whose job fails. */
export function fails({ make, ...what }: What, error_code: string): TestImage {
  const operations = 'resize,watermark';
  return { make, entry: { ...what, upload: { status: 202 }, operations, state: 'failed', error_code } };
}

/** A file that the API refuses. */
export function refused({ make, ...what }: What, status: 400 | 415, code: string): TestImage {
  return { make, entry: { ...what, upload: { status, code } } };
}
