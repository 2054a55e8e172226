import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";

/** How {@link openMosquitto} works; without options anybody is let in over plain TCP. */
export interface MosquittoOptions {
  /** The only credentials that are let in. */
  readonly username?: string;
  readonly password?: string;
  /** PEM texts. `clientCa` set: clients must show a certificate signed by it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Further lines of the configuration file. */
  readonly lines?: readonly string[];
}

/** Debian's mosquitto on a free port of 127.0.0.1, with persistence. */
export interface Mosquitto extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Its own directory, removed at the end. */
  readonly directory: string;
  /** Ends it in order: sessions are written to disk. */
  stop(): Promise<void>;
  /** Ends it without order: it forgets what it has not yet written. */
  kill(): Promise<void>;
  /** Ends it in order, if it runs, and starts it on the same port, with the same sessions. */
  restart(): Promise<void>;
}

/** Debian keeps it in sbin, which is not on everybody's PATH. */
const programs: readonly string[] = ["/usr/sbin/mosquitto", "mosquitto"];

/** Starts a mosquitto and waits until it listens. */
export async function openMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const directory = await Deno.makeTempDir({ prefix: "mosquitto-" });
  const port = freePort();
  const conf = join(directory, "mosquitto.conf");
  await writeConfiguration(conf, directory, port, options);
  let child = await start(conf, port);
  let running = true;
  const end = async (signal: Deno.Signal) => {
    if (!running) return;
    running = false;
    child.kill(signal);
    await child.status;
  };
  return {
    host: "127.0.0.1",
    port,
    directory,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    restart: async () => {
      await end("SIGTERM");
      child = await start(conf, port);
      running = true;
    },
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
      await Deno.remove(directory, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    },
  };
}

async function writeConfiguration(
  conf: string,
  directory: string,
  port: number,
  { username, password, tls, lines = [] }: MosquittoOptions,
): Promise<void> {
  const at = (name: string) => join(directory, name);
  const settings = [
    `listener ${port} 127.0.0.1`,
    "persistence true",
    `persistence_location ${directory}/`,
    `allow_anonymous ${username === undefined}`,
  ];
  // Started by root it would change to a user who may not write here.
  if (Deno.uid() === 0) settings.push("user root");
  if (username !== undefined) {
    await Deno.writeTextFile(at("passwords"), `${username}:${password ?? ""}\n`);
    await run("mosquitto_passwd", ["-U", at("passwords")]);
    settings.push(`password_file ${at("passwords")}`);
  }
  if (tls) {
    await Deno.writeTextFile(at("cert.pem"), tls.cert);
    await Deno.writeTextFile(at("key.pem"), tls.key);
    settings.push(`certfile ${at("cert.pem")}`, `keyfile ${at("key.pem")}`);
    if (tls.clientCa !== undefined) {
      await Deno.writeTextFile(at("ca.pem"), tls.clientCa);
      settings.push(`cafile ${at("ca.pem")}`, "require_certificate true");
    }
  }
  await Deno.writeTextFile(conf, [...settings, ...lines, ""].join("\n"));
}

async function start(conf: string, port: number): Promise<Deno.ChildProcess> {
  const child = spawn(["-c", conf]);
  let ended = false;
  void child.status.then(() => ended = true); // never rejects
  for (let attempt = 0; attempt < 500; attempt++) {
    if (ended) throw new Error(`mosquitto ended at once, see ${conf}`);
    try {
      using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
      return child;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await systemClock.sleep(10);
    }
  }
  child.kill("SIGKILL");
  await child.status;
  throw new Error(`mosquitto does not listen on ${port}`);
}

function spawn(args: string[]): Deno.ChildProcess {
  for (const program of programs) {
    try {
      return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
        .spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error("mosquitto is not installed");
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

/**
 * A port that nobody listens on at the moment.
 *
 * Below those that the system hands out by itself, so that it is still free when a server is started
 * on it, and again when it is restarted.
 */
export function freePort(): number {
  while (true) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
