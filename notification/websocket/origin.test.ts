import { describe, expect, it } from 'vitest';
import { isOriginAllowed } from './origin.ts';

describe('without a list of origins', () => {
  it.each([
    ['a program', undefined, 'images.example.org:8001'],
    ['a page of the same host, on another port', 'https://images.example.org', 'images.example.org:8001'],
    ['a page of this machine', 'http://localhost:8000', '127.0.0.1:8001'],
    ['a page of this machine by address', 'http://127.0.0.1:3000', 'localhost:8001'],
    ['a page of this machine by IPv6 address', 'http://[::1]:3000', 'localhost:8001'],
  ])('%s may connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(true);
  });

  it.each([
    ['a page of another host', 'https://evil.example', 'images.example.org:8001'],
    ['a host with a similar name', 'https://evil-images.example.org', 'images.example.org'],
    ['a host whose name starts with localhost', 'http://localhost.evil.example', 'localhost:8001'],
    ['a page with an opaque origin', 'null', 'localhost:8001'],
    ['a file', 'file://', 'localhost:8001'],
    ['an extension', 'chrome-extension://localhost', 'localhost:8001'],
    ['nonsense', 'http://', ''],
  ])('%s may not connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(false);
  });
});

describe('with a list of origins', () => {
  const allowed = ['https://images.example.org'];

  it('pages of these origins and programs may connect', () => {
    expect(isOriginAllowed('https://images.example.org', 'api.example.org', allowed)).toBe(true);
    expect(isOriginAllowed(undefined, 'api.example.org', allowed)).toBe(true);
  });

  it('other pages may not', () => {
    expect(isOriginAllowed('http://images.example.org', 'images.example.org', allowed)).toBe(false);
    expect(isOriginAllowed('http://localhost:8000', 'localhost:8001', allowed)).toBe(false);
  });
});
