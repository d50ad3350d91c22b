import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { describe, expect, it } from 'vitest';
import { parseUploadOptions } from './upload-options.ts';

const callbacks = { isSetUp: true, allowed: parseAllowedReceivers('hooks.internal,10.1.0.0/16') };

describe('the options of an upload', () => {
  it.each([
    [{}, { format: null, quality: 85 }],
    [
      { format: '', quality: '' },
      { format: null, quality: 85 },
    ],
    [{ format: 'jpg' }, { format: 'jpeg', quality: 85 }],
    [
      { format: 'WebP', quality: '1' },
      { format: 'webp', quality: 1 },
    ],
    [{ quality: ' 100 ' }, { format: null, quality: 100 }],
  ])('%j give the output %j', (fields, output) => {
    expect(parseUploadOptions(fields, callbacks).output).toEqual(output);
  });

  it.each([
    [
      { format: 'bmp' },
      'invalid_parameter',
      { parameter: 'format', allowed: ['png', 'jpeg', 'webp', 'jpg'] },
    ],
    [{ quality: '0' }, 'invalid_parameter', { parameter: 'quality', allowed: { minimum: 1, maximum: 100 } }],
    [{ quality: '101' }, 'invalid_parameter', { parameter: 'quality' }],
    [{ quality: '8.5' }, 'invalid_parameter', { parameter: 'quality' }],
    [{ quality: ['1', '2'] }, 'invalid_parameter', { parameter: 'quality' }],
    [
      { colour: 'red' },
      'unexpected_field',
      { allowed: ['file', 'operations', 'format', 'quality', 'callback_url'] },
    ],
    [{ file: 'text' }, 'no_file', {}],
  ])('%j are refused with %s', (fields, code, details) => {
    expect(() => parseUploadOptions(fields, callbacks)).toThrow(expect.objectContaining({ code }));
    expect(() => parseUploadOptions(fields, callbacks)).toThrow(
      expect.objectContaining({ details: expect.objectContaining(details) as unknown }),
    );
  });

  it.each([
    [
      { callback_url: 'example.org/hook' },
      'callback_url: must be an absolute URL such as https://example.org/hook',
      { allowed: 'an absolute http or https address of at most 2048 characters, without user and fragment' },
    ],
    [
      { callback_url: 'ftp://example.org' },
      'callback_url: starts with "ftp:", but must start with http: or https:',
      { parameter: 'callback_url' },
    ],
    [
      { callback_url: 'http://10.2.0.1/hook' },
      'callback_url: 10.2.0.1 is not public (private), so "10.2.0.1" is not allowed. To allow a receiver in your own network, add it to WEBHOOK_ALLOWED_HOSTS',
      { allowed: 'hosts with public addresses, and those in WEBHOOK_ALLOWED_HOSTS' },
    ],
    [
      { webhook: 'https://example.org' },
      'webhook: is unknown. Allowed: file, operations, format, quality, callback_url. Correct its name or remove it',
      { field: 'webhook' },
    ],
    [
      { quality: '0' },
      'quality: must be a whole number from 1 to 100, but is 0',
      { allowed: { minimum: 1, maximum: 100 } },
    ],
  ])('%j are refused with the field, what is allowed and what to do', (fields, message, details) => {
    expect(() => parseUploadOptions(fields, callbacks)).toThrow(
      expect.objectContaining({ message, details: expect.objectContaining(details) as unknown }),
    );
  });
});
