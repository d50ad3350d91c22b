import { z } from 'zod';

/** Maximum width and height of an operation, in pixels. */
export const MAX_OUTPUT_SIDE = 8192;

/** Maximum pixels of an image, and of each result of an operation. */
export const MAX_PIXELS = 25_000_000;

const side = z.int().min(1).max(MAX_OUTPUT_SIDE);

export const resizeFits = ['contain', 'cover', 'fill'] as const;
export const watermarkPositions = [
  'top-left',
  'top',
  'top-right',
  'left',
  'center',
  'right',
  'bottom-left',
  'bottom',
  'bottom-right',
] as const;
export const outputFormats = ['png', 'jpeg', 'webp'] as const;

/**
 * `contain` fits the whole image inside width × height and keeps its aspect ratio; `cover` fills width × height and
 * crops the rest, centred; `fill` stretches. If only width or height is given, the aspect ratio determines the other.
 * An image is never enlarged unless `enlarge` is true: without it, `cover` of a smaller image shrinks the box and keeps
 * its aspect ratio, and `fill` limits each side by itself.
 */
export const resizeSchema = z
  .strictObject({
    type: z.literal('resize'),
    width: side.optional(),
    height: side.optional(),
    fit: z.enum(resizeFits).default('contain'),
    enlarge: z.boolean().default(false),
  })
  .refine((resize) => resize.width !== undefined || resize.height !== undefined, {
    error: 'resize requires a width, a height or both',
  })
  .meta({ id: 'Resize', description: 'Changes the size of the image.' });

/**
 * `size` is the font size (em) relative to the smaller side of the image (0.01 to 0.5); at least 14 px, unless the text
 * would not fit.
 */
export const watermarkSchema = z
  .strictObject({
    type: z.literal('watermark'),
    text: z.string().trim().min(1).max(200),
    position: z.enum(watermarkPositions).default('bottom-right'),
    opacity: z.number().min(0.05).max(1).default(0.5),
    size: z.number().min(0.01).max(0.5).default(0.06),
  })
  .meta({ id: 'Watermark', description: 'Draws a text on the image.' });

/**
 * Point filters work on 8-bit sRGB values v: grayscale is Rec. 709 luma (0.2126 R + 0.7152 G + 0.0722 B); sepia
 * is the matrix of the W3C Filter Effects `sepia(1)`; invert is 255 − v; brightness is v × amount; contrast is
 * (v − 127.5) × amount + 127.5. `blur` is Gaussian with the radius, in pixels, as its standard
 * deviation (as CSS does); `sharpen` of a is the kernel 0 −a 0 / −a 1+4a −a / 0 −a 0. Only `blur` and `sharpen` change alpha.
 */
export const filterSchema = z
  .discriminatedUnion('name', [
    z.strictObject({ type: z.literal('filter'), name: z.literal('grayscale') }),
    z.strictObject({ type: z.literal('filter'), name: z.literal('sepia') }),
    z.strictObject({ type: z.literal('filter'), name: z.literal('invert') }),
    z.strictObject({
      type: z.literal('filter'),
      name: z.literal('blur'),
      radius: z.int().min(1).max(100).default(4),
    }),
    z.strictObject({
      type: z.literal('filter'),
      name: z.literal('sharpen'),
      amount: z.number().min(0).max(5).default(1),
    }),
    z.strictObject({
      type: z.literal('filter'),
      name: z.literal('brightness'),
      amount: z.number().min(0).max(5).default(1.2),
    }),
    z.strictObject({
      type: z.literal('filter'),
      name: z.literal('contrast'),
      amount: z.number().min(0).max(5).default(1.2),
    }),
  ])
  .meta({ id: 'Filter', description: 'Changes colours or sharpness.' });

export const operationSchema = z
  .discriminatedUnion('type', [resizeSchema, watermarkSchema, filterSchema])
  .meta({ id: 'Operation', description: 'One operation on an image.' });

export const MAX_OPERATIONS = 10;

/** Applied in the given order. */
export const operationsSchema = z.array(operationSchema).min(1).max(MAX_OPERATIONS);

/** `format` null keeps the input's format (GIF becomes PNG); `quality` (1–100) applies to JPEG and WebP. */
export const outputSchema = z
  .strictObject({
    format: z.enum(outputFormats).nullable().default(null),
    quality: z.int().min(1).max(100).default(85),
  })
  .meta({ id: 'Output', description: 'The encoding of the result.' });

export type Resize = z.output<typeof resizeSchema>;
export type Watermark = z.output<typeof watermarkSchema>;
export type Filter = z.output<typeof filterSchema>;
export type Operation = z.output<typeof operationSchema>;
export type Output = z.output<typeof outputSchema>;
export type OutputFormat = (typeof outputFormats)[number];
export const inputTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
export type InputType = (typeof inputTypes)[number];
