import { describe, expect, it } from 'vitest';
import { operationSchema } from '../../../../shared/contracts/operations.ts';
import { changed, curlLine, type Draft, fieldsOf, newOperations } from './operation-forms.ts';

const drafts: readonly Draft[] = Object.values(newOperations);

describe('the forms of operations', () => {
  it('begin with valid operations', () => {
    for (const draft of drafts) expect(operationSchema.safeParse(draft).success).toBe(true);
  });

  it('offer only values that the API accepts', () => {
    const all = [
      ...drafts,
      ...['blur', 'sharpen', 'brightness', 'contrast'].map((name) => ({ type: 'filter', name })),
    ];
    for (const draft of all) {
      for (const field of fieldsOf(draft)) {
        const values =
          field.options ?? [field.number?.min, field.number?.max].filter((value) => value !== undefined);
        for (const value of values) {
          const next = changed(draft, field, String(value));
          expect(operationSchema.safeParse(next).error, JSON.stringify(next)).toBeUndefined();
        }
      }
    }
  });

  it('leave out what is empty, and the parameters of another filter', () => {
    const [width] = fieldsOf({ type: 'resize' });
    expect(width && changed({ type: 'resize', width: 5, height: 6 }, width, '')).toEqual({
      type: 'resize',
      height: 6,
    });
    const [name] = fieldsOf({ type: 'filter' });
    const next = name && changed({ type: 'filter', name: 'blur', radius: 3 }, name, 'sepia');
    expect(next).toEqual({ type: 'filter', name: 'sepia' });
  });

  it('quote a text for the shell', () => {
    expect(curlLine('http://h', [{ type: 'watermark', text: "It's" }])).toContain(`"It'\\''s"`);
  });
});
