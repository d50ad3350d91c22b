/** What an upload may be made of. */
export interface FormLimits {
  readonly fileBytes: number;
  readonly files: number;
  readonly fields: number;
  /** Files and fields together. */
  readonly parts: number;
  readonly fieldBytes: number;
  readonly nameBytes: number;
  /** The whole body. */
  readonly bodyBytes: number;
}

const FIELDS = 10;
const FIELD_BYTES = 16 * 1024;
/** A few fields beside the files. */
const PARTS_BESIDE_FILES = 5;
/** For boundaries and headers of parts. */
const OVERHEAD_BYTES = 128 * 1024;

export function formLimits(options: { fileBytes: number; files: number }): FormLimits {
  const { fileBytes, files } = options;
  return {
    fileBytes,
    files,
    fields: FIELDS,
    parts: files + PARTS_BESIDE_FILES,
    fieldBytes: FIELD_BYTES,
    nameBytes: 100,
    bodyBytes: files * fileBytes + FIELDS * FIELD_BYTES + OVERHEAD_BYTES,
  };
}
