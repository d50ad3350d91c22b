import { outputFormats } from '@image-pipeline/shared/contracts/operations.ts';
import { z } from 'zod';
import { DEFAULT_OPERATIONS } from '../operation-kinds.ts';

/** The form of `POST /upload`, as documented; form-fields.ts says the names, parse-wishes.ts reads them. */
export const uploadFormSchema = z
  .object({
    file: z
      .array(
        z.string().meta({ override: { contentMediaType: 'application/octet-stream', format: 'binary' } }),
      )
      .min(1)
      .meta({ description: 'One image or several: PNG, JPEG, GIF or WebP.' }),
    operations: z.string().optional().meta({
      description: `What to do, in the order given: names (\`resize,watermark\`), names with their main parameters (\`resize:800x600:cover,watermark:Hello,filter:blur:5\`), or a JSON list whose items are objects (see Operation) or short spellings. A comma always begins the next operation: write a text that has one in the JSON spelling. Bare \`resize\` fits inside 800×600, bare \`watermark\` writes a default text, bare \`filter\` is grayscale.`,
      default: DEFAULT_OPERATIONS,
    }),
    format: z
      .enum(['', ...outputFormats, 'jpg'])
      .optional()
      .meta({ description: 'The type of the result; empty: that of the original (GIF becomes PNG).' }),
    quality: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'Of a JPEG or WebP result.', default: 85 }),
  })
  .meta({ id: 'UploadForm' });
