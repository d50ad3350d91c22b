import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { images } from '../../testing/images.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { acceptedJobSchema, acceptedJobsSchema } from './upload-response.ts';

const system = setUpSystem();

const PNG = Buffer.from(images['image/png']).toString('latin1');
const part = (headers: readonly string[], content: string) =>
  `--x\r\n${headers.join('\r\n')}\r\n\r\n${content}\r\n`;
const disposition = (parameters: string) => `Content-Disposition: form-data; ${parameters}`;
const GOOD_FILE = part([disposition('name="file"; filename="good.png"')], PNG);
const END = '--x--\r\n';

/** Uploads this body, one character a byte. */
async function upload(body: string, contentType = 'multipart/form-data; boundary=x') {
  const api = await system.startApi();
  const response = await api.ask('/upload', {
    method: 'POST',
    body: Buffer.from(body, 'latin1'),
    headers: { 'content-type': contentType },
  });
  return { status: response.status, json: response.json };
}

describe('a file whose part the parser would drop', () => {
  it.each([
    ['without Content-Disposition', ['Content-Type: image/png'], 'Content-Type: image/png'],
    ['with quotation marks in its name', [disposition('name="file"; filename="a "b".png"')], 'a \\"b\\".png'],
    ['with an open quotation mark', [disposition('name="file"; filename="a.png')], 'filename'],
    ['with a space in an unquoted name', [disposition('name="file"; filename=my photo.png')], 'my photo.png'],
    ['with an unquoted empty name', [disposition('name="file"; filename=')], 'filename='],
    ['with a semicolon at the end', [disposition('name="file"; filename="a.png";')], 'a.png'],
    ['with a comma between parameters', [disposition('name="file", filename="a.png"')], 'a.png'],
    ['with a parameter without a value', [disposition('name="file"; secret; filename="a.png"')], 'secret'],
    ['in an unknown charset', [disposition(`name="file"; filename*=klingon''a.png`)], 'klingon'],
    ['with an extended name without a charset', [disposition('name="file"; filename*=a.png')], 'a.png'],
    ['with a malformed escape', [disposition(`name="file"; filename*=UTF-8''a%2.png`)], 'a%2.png'],
    ['as an attachment', ['Content-Disposition: attachment; name="file"; filename="a.png"'], 'attachment'],
    [
      'with thousands of headers',
      [...Array.from({ length: 2_001 }, () => 'a:'), disposition('name="file"; filename="a.png"')],
      'a:',
    ],
    ['nested in another multipart', ['Content-Type: multipart/mixed; boundary=y'], 'multipart/mixed'],
  ])('%s is refused with its beginning, and nothing is accepted', async (_how, headers, named) => {
    const before = await system.storedKeys();
    for (const body of [
      GOOD_FILE + part(headers, PNG) + END,
      part(headers, PNG) + GOOD_FILE + END,
      GOOD_FILE + part(headers, PNG + 'x'.repeat(300_000)) + END,
    ]) {
      const { status, json } = await upload(body);
      expect([status, json]).toMatchObject([400, { code: 'malformed_multipart' }]);
      expect(json).toMatchObject({ detail: expect.stringContaining(named) as unknown });
      expect(json).toMatchObject({ detail: expect.stringMatching(/^Part [12] of the form/) as unknown });
    }
    expect(await system.storedKeys()).toEqual(before);
  });

  it.each([
    ['without a field name', [disposition('filename="a.png"')]],
    ['with an empty field name', [disposition('name=""; filename="a.png"')]],
    ['with an extended field name', [disposition(`name*=UTF-8''file; filename="a.png"`)]],
    ['with a broken header', ['Content-Disposition form-data; name="file"; filename="a.png"']],
    [
      'with a header of 17 KiB',
      [`A: ${'a'.repeat(17 * 1024)}`, disposition('name="file"; filename="a.png"')],
    ],
    [
      'with two Content-Dispositions',
      [disposition('name="file"; filename="a.png"'), disposition('name="file"; filename="b.png"')],
    ],
    ['in base64', [disposition('name="file"; filename="a.png"'), 'Content-Transfer-Encoding: base64']],
    [
      'in quoted-printable',
      [disposition('name="file"; filename="a.png"'), 'Content-Transfer-Encoding: Quoted-Printable'],
    ],
  ])('%s is refused', async (_how, headers) => {
    const { status, json } = await upload(GOOD_FILE + part(headers, PNG) + END);
    expect([status, json]).toMatchObject([400, { code: 'malformed_multipart' }]);
  });

  it.each([
    ['after the closing boundary', GOOD_FILE + END + GOOD_FILE + END],
    ['after the closing boundary, without an end', GOOD_FILE + END + GOOD_FILE],
    ['after the closing boundary, much later', GOOD_FILE + END + '\r\n'.repeat(100_000) + GOOD_FILE + END],
    [
      'before the first boundary',
      part([disposition('name="file"; filename="a.png"')], PNG).replace('--x', '--y') + GOOD_FILE + END,
    ],
    ['behind a longer boundary', GOOD_FILE + GOOD_FILE.replace('--x', '--xy') + END],
    ['behind a boundary with spaces', GOOD_FILE + GOOD_FILE.replace('--x', '--x  ') + END],
    [
      'cut at a boundary of its own',
      part([disposition('name="file"; filename="a.png"')], `${PNG}\r\n--xyz and more`) + GOOD_FILE + END,
    ],
  ])('%s is refused', async (_where, body) => {
    const before = await system.storedKeys();
    const { status, json } = await upload(body);
    expect([status, json]).toMatchObject([400, { code: 'malformed_multipart' }]);
    expect(await system.storedKeys()).toEqual(before);
  });
});

describe('a file with an unusual name', () => {
  it.each([
    ['escaped quotation marks', 'filename="a \\"b\\".png"', 'a "b".png'],
    ['percent-encoded quotation marks', 'filename="a %22b%22.png"', 'a "b".png'],
    ['single quotation marks', `filename='a.png'`, `'a.png'`],
    ['an extended name', `filename="b.png"; filename*=UTF-8''%D0%BA%D0%BE%D1%82.png`, 'кот.png'],
    ['an extended name in Latin-1', `filename*=ISO-8859-1'en'caf%E9.png`, 'café.png'],
    ['a parameter in capitals', 'FILENAME="a.png"', 'a.png'],
    ['no quotation marks', 'filename=a.png', 'a.png'],
    ['a folder for a name', 'filename="photos/"', 'image'],
    ['dots for a name', 'filename=".."', 'image'],
    ['a Windows path', 'filename="C:\\\\photos\\\\a.png"', 'a.png'],
  ])('(%s) is accepted under a readable name', async (_what, parameter, name) => {
    const { json } = await upload(GOOD_FILE + part([disposition(`name="file"; ${parameter}`)], PNG) + END);
    expect(acceptedJobsSchema.parse(json).jobs).toMatchObject([
      { file: 'good.png', status: 'queued' },
      { file: name, status: 'queued' },
    ]);
    await system.take(queueNames.process, 2);
  });

  it('is accepted without a name if it has the type of a file', async () => {
    const nameless = part([disposition('name="file"'), 'Content-Type: application/octet-stream'], PNG);
    const { json } = await upload(nameless + END);
    acceptedJobSchema.parse(json);
    await system.take(queueNames.process);
  });

  it('that is empty is accepted as a file, or is an error that names the field', async () => {
    const empty = disposition('name="file"; filename=""');
    const ofUnusedInput = part([empty, 'Content-Type: application/octet-stream'], '');
    expect((await upload(GOOD_FILE + ofUnusedInput + END)).json).toMatchObject({
      jobs: [{ file: 'good.png' }, { file: 'image', error: { code: 'empty_file' } }],
    });
    const octets = part([empty, 'Content-Type: application/octet-stream'], PNG);
    acceptedJobSchema.parse((await upload(octets + END)).json);
    await system.take(queueNames.process, 2);
    for (const headers of [[empty], [empty, 'Content-Type: image/png']]) {
      const { json } = await upload(GOOD_FILE + part(headers, PNG) + END);
      expect(json).toMatchObject({ code: 'no_file', detail: expect.stringContaining('"file"') as unknown });
    }
  });

  it('is accepted with folded headers, a charset of the form and line breaks around it', async () => {
    const folded = part(
      [
        'Content-Disposition: form-data;',
        ' name="file";',
        '\tfilename="a.png"',
        'Content-Transfer-Encoding: binary ',
      ],
      PNG,
    );
    const { status } = await upload(
      `\r\n${folded}${END}\r\n \r\n`,
      'Multipart/Form-Data; charset=utf-8; boundary="x"',
    );
    expect(status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('a text field that is not understood', () => {
  it.each([
    ['in an unknown charset', ['Content-Type: text/plain; charset=klingon'], 'resize'],
    ['in UTF-7', ['Content-Type: text/plain; charset=utf-7'], 'resize'],
    ['that is not valid UTF-8', [], 'watermark:\xff\xfe'],
    ['that is not valid UTF-8 after U+FFFD', [], 'watermark:\xef\xbf\xbd\xff'],
    ['sent as a file', ['Content-Type: application/octet-stream'], 'resize'],
  ])('(%s) is an error that names it', async (_how, headers, content) => {
    const { status, json } = await upload(
      GOOD_FILE + part([disposition('name="operations"'), ...headers], content) + END,
    );
    expect([status, json]).toMatchObject([422, { code: 'invalid_parameter', parameter: 'operations' }]);
  });

  it('(sent as a file with a name) is an error that names it', async () => {
    const { json } = await upload(
      GOOD_FILE + part([disposition('name="format"; filename="f.txt"')], 'png') + END,
    );
    expect(json).toMatchObject({ code: 'invalid_parameter', parameter: 'format' });
  });

  it.each([
    ['in Latin-1', 'iso-8859-1', 'watermark:caf\xe9', 'café'],
    ['in UTF-16', 'utf-16le', Buffer.from('watermark:café', 'utf16le').toString('latin1'), 'café'],
    ['with U+FFFD in UTF-8', 'utf-8', Buffer.from('watermark:a\uFFFD').toString('latin1'), 'a\uFFFD'],
  ])('%s is read', async (_name, charset, content, text) => {
    const operations = part(
      [disposition('name="operations"'), `Content-Type: text/plain; charset=${charset}`],
      content,
    );
    const { json } = await upload(operations + GOOD_FILE + END);
    const { job_id } = acceptedJobSchema.parse(json);
    const [job] = await system.take(queueNames.process);
    expect(JSON.parse(String(job?.content))).toMatchObject({ job_id, operations: [{ text }] });
  });
});

describe('a Content-Type that is not understood', () => {
  it.each([
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary',
    'multipart/form-data;',
    'multipart/form-data; boundary=;x',
    'multipart/form-data; BOUNDARY=\t',
    'multipart/form-data; boundary="x\\"y"',
    'multipart/form-data; boundary=\u00ff',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-data boundary=x',
    'multipart/; boundary=x',
    '/form-data; boundary=x',
    'multipart/form-data/x; boundary=x',
    'multipart/mixed; boundary=x',
    '; boundary=x',
    ',',
  ])('(%j) is 400', async (contentType) => {
    const { status, json } = await upload(GOOD_FILE + END, contentType);
    expect([status, json]).toMatchObject([400, { code: 'malformed_multipart' }]);
  });

  it.each([
    'multipart/form-data; boundary="x"',
    'multipart/form-data;boundary=x;',
    'MULTIPART/FORM-DATA; a=b; Boundary=x',
  ])('does not include %j', async (contentType) => {
    expect((await upload(GOOD_FILE + END, contentType)).status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('a query parameter', () => {
  it.each([
    ['POST', '/upload?operations=resize', 'operations'],
    ['POST', '/upload?format=', 'format'],
    ['GET', '/openapi.json?pretty', 'pretty'],
    ['GET', '/results/1?download=1', 'download'],
    ['GET', '/api/v1/queue/stats?a[]=1', 'a[]'],
  ])('of %s %s that does not exist is refused with those that do', async (method, path, parameter) => {
    const api = await system.startApi();
    const response = await api.ask(path, { method });
    const detail = `${parameter}: is unknown. Allowed: none. Remove it`;
    expect(response).toMatchObject({
      status: 422,
      json: { code: 'invalid_parameter', detail, parameter, allowed: [] },
    });
  });

  it.each(['/?utm_source=chat', '/docs?x', '/livez?x=1'])(
    'of %s, which people and probes open, is allowed',
    async (path) => {
      const api = await system.startApi();
      expect((await api.ask(path)).status).toBe(200);
    },
  );
});
