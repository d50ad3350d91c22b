import { outputFormats } from '@image-pipeline/shared/contracts/operations.ts';

/** The field of an upload that carries its files. */
export const FILE_FIELD = 'file';

/** The other fields that an upload may have. */
export const textFields: readonly string[] = ['operations', 'format', 'quality', 'callback_url'];

export const allowedFormats: readonly string[] = [...outputFormats, 'jpg'];
