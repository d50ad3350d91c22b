import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { ComposeProject, type ComposeCommand } from '../compose/compose-project.ts';
import type { Container } from '../compose/container.ts';
import { ApiClient } from '../pipeline/api-client.ts';
import { endOf } from './step.ts';

/** A name of its own, so that it does not affect a system that is running. */
export const PROJECT = 'image-pipeline-test';
const POLL_MS = 500;
const LINE_MS = 600_000;

/** The system under test: a fresh clone, its Compose project, and a shell in it. */
export class Stack {
  readonly folder: string;
  readonly project: ComposeProject;
  readonly api = new ApiClient('http://localhost:8000');
  /** The id of a completed job, for later steps. */
  completedJob = '';
  /** When `docker-compose up` began, by `performance.now()`. */
  startedAt = 0;
  readonly #command: ComposeCommand;
  readonly #env: NodeJS.ProcessEnv;

  constructor(command: ComposeCommand, folder: string, env: NodeJS.ProcessEnv = {}) {
    this.folder = folder;
    this.#command = command;
    this.#env = { COMPOSE_PROJECT_NAME: PROJECT, RUNTIME: 'compose', NO_COLOR: '1', ...env };
    this.project = new ComposeProject(command, folder, this.#env);
  }

  /**
   * Runs a line in a shell, as people would. Returns its output.
   * @throws Error with the end of the output, if it fails
   */
  async line(text: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { exitCode, all } = await this.tryLine(text, env);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode ?? 'none'}\n  ${endOf(all)}`);
    return all;
  }

  async tryLine(text: string, env: NodeJS.ProcessEnv = {}) {
    // Not the names of files, such as docker-compose.yml.
    const line = text.replaceAll(/docker-compose(?![.\w])/g, this.#command.join(' '));
    const { exitCode, all, stdout } = await execa('bash', ['-c', line], {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      reject: false,
      all: true,
      stdin: 'ignore',
      timeout: LINE_MS,
    });
    return { exitCode, all: stripVTControlCharacters(all), stdout };
  }

  containers(service?: string): Promise<Container[]> {
    return this.project
      .containers()
      .then((all) => all.filter((one) => !one.isDone && (service === undefined || one.service === service)));
  }

  /** Waits until every container and the API are ready. @throws Error if that takes longer */
  async untilReady(deadlineMs = 90_000): Promise<Container[]> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const containers = await this.containers();
      const unready = containers.filter(({ state }) => state !== 'ready');
      if (containers.length > 0 && unready.length === 0 && (await this.#isApiReady())) return containers;
      if (performance.now() > deadline) {
        const how = unready.map(({ name, state }) => `${name} is ${state}`).join(', ');
        throw new Error(
          `not ready after ${deadlineMs / 1_000} s: ${how || (containers.length === 0 ? 'there are no containers' : 'the API is not ready')}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /** Docker reports the health of some seconds ago, for example before RabbitMQ was restarted. */
  async #isApiReady(): Promise<boolean> {
    const response = await fetch(`${this.api.url}/readyz`).catch(() => undefined);
    return response?.ok === true;
  }

  /** Runs a command in a container; its output, whatever the exit code. */
  async inside(container: Container, command: string): Promise<{ exitCode: number; text: string }> {
    const { exitCode = 1, all } = await execa('docker', ['exec', container.id, 'sh', '-c', command], {
      reject: false,
      all: true,
    });
    return { exitCode, text: all };
  }
}
