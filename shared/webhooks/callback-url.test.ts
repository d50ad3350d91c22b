import { describe, expect, it } from 'vitest';
import { nobody, parseAllowedReceivers } from './allowed-receivers.ts';
import { whyHostIsRefused, whyNoCallbackUrl } from './callback-url.ts';

describe('the address for a webhook', () => {
  it.each([
    'https://example.org/hook?token=a%20b',
    'http://example.org',
    'HTTPS://Example.org:8443/',
    'http://hooks/',
    'https://[2606:4700::1]/hook',
  ])('may be %s', (text) => {
    expect(whyNoCallbackUrl(text)).toBeUndefined();
  });

  it.each([
    ['/hook', 'an absolute URL'],
    ['example.org/hook', 'an absolute URL'],
    ['https://', 'an absolute URL'],
    ['http://[fe80::1%25eth0]/', 'an absolute URL'],
    ['ftp://example.org', '"ftp:"'],
    ['file:///etc/passwd', '"file:"'],
    ['javascript:alert(1)', '"javascript:"'],
    ['https://user@example.org', 'user or password'],
    ['https://:secret@example.org', 'user or password'],
    ['https://example.org/#part', 'fragment'],
    ['https://example.org/#', 'fragment'],
    [`https://example.org/${'a'.repeat(2_100)}`, '2120 characters; the maximum is 2048'],
  ])('must not be %s', (text, problem) => {
    expect(whyNoCallbackUrl(text)).toContain(problem);
  });
});

describe('the host of a webhook', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.0.0.1:8000/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://2130706433/',
    'http://127.1/',
    'http://0/',
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://app.localhost/',
    'http://10.0.0.1./',
  ])('%s is refused without asking DNS', (text) => {
    expect(whyHostIsRefused(new URL(text), nobody)).toMatch(/is not public/);
  });

  it.each([
    'http://example.org/',
    'http://127.0.0.1.nip.io/',
    'http://localhost.example.org/',
    'http://1.1.1.1/',
  ])('%s is looked at when the webhook is sent', (text) => {
    expect(whyHostIsRefused(new URL(text), nobody)).toBeUndefined();
  });

  it.each([
    ['http://localhost:9000/', 'localhost'],
    ['http://localhost:9000/', '127.0.0.0/8,::1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://[::1]/', '::1'],
  ])('%s is allowed by %s', (text, list) => {
    expect(whyHostIsRefused(new URL(text), parseAllowedReceivers(list))).toBeUndefined();
  });
});
