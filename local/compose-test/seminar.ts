import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptedJobId } from '../pipeline/api-client.ts';
import { endOf, expectThat } from './step.ts';

/** A row of docs/seminar.md: a line of the handout, and what to type with Docker and without. */
export interface SeminarLine {
  readonly section: string;
  /** Empty for a line that the handout does not have. */
  readonly handout: string;
  readonly docker: string;
  readonly local: string;
}

/** The lines of docs/seminar.md or of its translation, in their order. */
export function readSeminar(root: string, page = 'docs/seminar.md'): SeminarLine[] {
  let section = '';
  return readFileSync(join(root, page), 'utf8')
    .split('\n')
    .flatMap((line) => {
      section = /^## (.+)/.exec(line)?.[1] ?? section;
      const cells = /^\|(.*)\|(.*)\|(.*)\|$/.exec(line)?.slice(1) ?? [];
      const [handout = '', docker = '', local = ''] = cells.map((cell) =>
        cell.trim().replace(/^`(.*)`$/, '$1'),
      );
      const isCommand = cells[1]?.trim().startsWith('`') === true;
      return isCommand ? [{ section, handout, docker, local }] : [];
    });
}

/** What a line shows. */
const expectations: readonly { readonly line: RegExp; readonly shows: RegExp }[] = [
  { line: / ps$/, shows: /worker/ },
  { line: /\/upload/, shows: /"status":"queued"/ },
  { line: /\/status\//, shows: /"timeline":\[/ },
  { line: /queue_monitor/, shows: /ready=\d/ },
  { line: /\/metrics$/, shows: /rabbitmq_queue_messages_ready/ },
  { line: /load-bulk/, shows: /100 accepted = 100 completed \+ 0 failed \+ 0 open/ },
  { line: /analyze_results/, shows: /throughput/i },
  { line: /logs.*worker/, shows: /ready for jobs/ },
  { line: /kill-worker/, shows: /Killed \S*worker\S* with SIGKILL/ },
  { line: /load-burst/, shows: /(\d+) accepted = \1 completed/ },
  { line: /performance_monitor/, shows: /throughput_1m=/ },
  { line: /\/dlq\/stats/, shows: /"count":\d/ },
];
const ENDLESS = /_monitor\.ts|logs -f|make logs/;

/**
 * Runs a line in a shell. A line that does not end by itself is ended (SIGINT) when its output matches `until`.
 */
export type RunLine = (
  line: string,
  until?: RegExp,
) => Promise<{ exitCode: number | undefined; all: string }>;

/** Types the lines of the page, one after the other. */
export class SeminarWalk {
  readonly #run: RunLine;
  /** The job of the last upload, in place of `{job_id}`. */
  #jobId = '';

  constructor(run: RunLine) {
    this.#run = run;
  }

  /** @throws Error if the line fails, or does not show what it should show */
  async type(line: string): Promise<void> {
    const typed = line.replace('{job_id}', this.#jobId);
    const shows = expectations.find((expected) => expected.line.test(line))?.shows ?? /(?:)/;
    const isEndless = ENDLESS.test(line);
    const { exitCode, all } = await this.#run(typed, isEndless ? shows : undefined);
    expectThat(isEndless || exitCode === 0, `exit code ${exitCode ?? 'none'}\n  ${endOf(all)}`);
    expectThat(shows.test(all), `it does not show ${String(shows)}:\n  ${endOf(all)}`);
    if (line.includes('/upload')) this.#jobId = jobIdIn(all);
  }
}

/** curl prints its progress, too. */
function jobIdIn(output: string): string {
  const [json = 'null'] = /\{.*\}/.exec(output) ?? [];
  return acceptedJobId({ status: 202, body: JSON.parse(json) }) ?? '';
}
