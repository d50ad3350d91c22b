import { join } from 'node:path';
import { styleText } from 'node:util';
import PQueue from 'p-queue';
import { differences } from './demo/differences.ts';
import { readManifest, type Expectation } from './demo/manifest.ts';
import { pushImage, type Seen } from './demo/push-image.ts';
import { resultLines } from './demo/result-lines.ts';
import { ApiClient } from './pipeline/api-client.ts';
import { root } from './pipeline/paths.ts';
import { currentRuntime } from './runtime/current-runtime.ts';
import { duration } from './terminal/duration.ts';
import { UserError } from './user-error.ts';

const UPLOADS_AT_ONCE = 4;
/** Where the output is not a terminal. */
const DEFAULT_WIDTH = 120;

/**
 * `make demo`: starts the system unless it is running, processes every test image, and prints the results and the
 * addresses of the system.
 * @throws UserError with every difference from the manifest of the test images
 */
export async function demo(): Promise<void> {
  const folder = join(root, 'test_images');
  const images = await readManifest(join(folder, 'manifest.json'));
  const { system } = await (await currentRuntime()).ensureUp();
  if (system.readyWorkers === 0) {
    throw new UserError(
      'No worker is running, so no image would be processed. To start one: make start-worker',
    );
  }
  const api = new ApiClient(system.apiUrl);

  console.log(`\nUploading ${images.length} test images to ${api.url}/upload …\n`);
  const since = performance.now();
  const queue = new PQueue({ concurrency: UPLOADS_AT_ONCE });
  const results = await queue.addAll(
    images.map((image) => async () => [image, await pushImage(api, folder, image)] as const),
  );
  const took = duration((performance.now() - since) / 1_000);

  console.log(resultLines(results, process.stdout.columns || DEFAULT_WIDTH).join('\n'));
  console.log(`\n${styleText('bold', 'Addresses')}\n`);
  console.log(system.addressLines.join('\n'));
  console.log(`\n${styleText('bold', 'Next steps')}\n`);
  console.log(whatToTry(api.url, results).join('\n'));
  conclude(results, took);
}

function whatToTry(url: string, results: readonly (readonly [Expectation, Seen])[]): string[] {
  const completed = results.flatMap(([, seen]) =>
    seen.upload === 'accepted' && seen.job.status === 'completed' ? [seen.job] : [],
  );
  const shown = completed.find(({ original }) => original.name === 'sample.jpg') ?? completed[0];
  return [
    `  curl -X POST "${url}/upload" \\`,
    '    -F "file=@test_images/sample.jpg" -F "operations=resize,watermark"',
    ...(shown === undefined
      ? []
      : [
          `  curl "${url}/status/${shown.job_id}"`,
          `  curl -o result.jpg \\\n    "${url}/results/${shown.job_id}"`,
        ]),
    '  make scale N=3',
    '  make logs SERVICE=worker',
    '  make down',
  ];
}

function conclude(results: readonly (readonly [Expectation, Seen])[], took: string): void {
  const found = results.flatMap(([expected, seen]) => differences(expected, seen));
  if (found.length > 0) {
    throw new UserError(
      `\nResults that differ from test_images/manifest.json:\n${found.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  const all = `All ${results.length} images match test_images/manifest.json (${took}).`;
  console.log(`\n${styleText('green', all)}\nThe system keeps running. To stop it: make down`);
}
