import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { connectCall } from "../../src/cep/data_bridge_messages.ts";
import { ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import { formatHostPort } from "../../src/cep/receiver_tls.ts";
import type { ReceiverTls } from "../../src/config/agent_config.ts";
import { cepCaFile, type CepCertificate, startCepReceiver } from "../cep_receiver.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { hostileServer } from "./hostile_server.ts";

const verified: ReceiverTls = { verify: true, verifyName: true };
const unverified: ReceiverTls = { verify: false, verifyName: true };
const never = new AbortController().signal;

/** Logs in over a new connection; the session id proves that bytes went both ways. */
async function logIn(port: number, tls: ReceiverTls, host = "localhost"): Promise<void> {
  await using connection = await ReceiverConnection.open({ host, port }, tls, systemClock, never);
  const answer = await connection.call(connectCall("admin", new Secret("admin")), never);
  assert.equal(answer.kind, "answered");
}

function fails(attempt: Promise<void>, fault: string, ...reasons: RegExp[]): Promise<void> {
  return assert.rejects(attempt, (error) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.match(error.message, /^Cannot connect to the receiver "(localhost|127\.0\.0\.1):\d+": /);
    for (const reason of reasons) assert.match(error.message, reason);
    assert.equal(error.data.fault, fault);
    assert.equal(error.retryable, true);
    return true;
  });
}

const untrusted = /issued by a CA that this system does not trust: set thrift\.tls\.ca\.file/;

for (const certificate of ["leaf", "self", "selfleaf", "cnonly"] as const) {
  peerTest(
    `receiver TLS: checks the certificate as configured when it is "${certificate}"`,
    ["cep-receiver"],
    async () => {
      await using receiver = await startCepReceiver({ certificate });
      const caFile = cepCaFile(certificate);
      await logIn(receiver.port, { ...verified, caFile });
      await logIn(receiver.port, { ...verified, caFile, verifyName: false }, "127.0.0.1");
      await logIn(receiver.port, unverified);
      await fails(logIn(receiver.port, verified), "untrusted", untrusted);
      const foreign = cepCaFile(certificate === "self" ? "leaf" : "self");
      await fails(
        logIn(receiver.port, { ...verified, caFile: foreign }),
        "untrusted",
        /not issued by the CA in \/.*\.pem \(thrift\.tls\.ca\.file\)/,
      );
      const byAddress = logIn(receiver.port, { ...verified, caFile }, "127.0.0.1");
      if (certificate !== "cnonly") await byAddress;
      else await fails(byAddress, "otherName", /thrift\.tls\.verify\.name=false/);
    },
  );
}

const weakCertificate =
  /RSA key below 2048 bits or a SHA-1 signature, like the one that WSO2 ships.*replace its certificate by one with a 2048-bit RSA key and a SHA-256 signature$/;

peerTest(
  "receiver TLS: says what to do when the certificate is as weak as the shipped one",
  ["cep-receiver"],
  async () => {
    await using receiver = await startCepReceiver({ certificate: "weak" });
    const caFile = cepCaFile("weak");
    for (const tls of [verified, { ...verified, caFile }, unverified]) {
      await fails(logIn(receiver.port, tls), "weakCertificate", weakCertificate);
    }
  },
);

const oldTls =
  /offers TLS 1\.0 or 1\.1 only.*enable TLS 1\.2.*replace its certificate by one with a 2048-bit RSA key and a SHA-256 signature$/;

for (const certificate of ["leaf", "weak"] satisfies CepCertificate[]) {
  peerTest(
    `receiver TLS: says what to do when it offers TLS 1.1 at most ("${certificate}")`,
    ["cep-receiver"],
    async () => {
      const args = ["--tls-min", "TLSv1", "--tls-max", "TLSv1_1"];
      await using receiver = await startCepReceiver({ certificate, args });
      await fails(logIn(receiver.port, unverified), "oldTls", oldTls);
    },
  );
}

Deno.test("receiver TLS: recognises an old server when it answers in TLS 1.0 itself", async () => {
  // ServerHello of TLS 1.0 with an RSA cipher.
  const hello = [3, 1, ...new Array(32).fill(7), 0, 0, 0x2f, 0];
  const handshake = [2, 0, 0, hello.length, ...hello];
  await using server = hostileServer(new Uint8Array([22, 3, 1, 0, handshake.length, ...handshake]));
  await fails(logIn(server.port, unverified), "oldTls", oldTls);
});

for (
  const [what, answer, fault, reason] of [
    [
      "an HTTP answer",
      new TextEncoder().encode("HTTP/1.1 400 Bad\r\n\r\n"),
      "notTls",
      /TLS port, 7711/,
    ],
    ["a Thrift answer", Uint8Array.fromHex("8001000300000007"), "notTls", /does not speak TLS/],
    ["a refused handshake", Uint8Array.fromHex("15030100020228"), "noCommonCipher", /TLS 1\.2/],
  ] as const
) {
  Deno.test(`receiver TLS: says what is wrong when there is ${what}`, async () => {
    await using server = hostileServer(answer);
    await fails(logIn(server.port, unverified), fault, reason);
  });
}

Deno.test("receiver TLS: gives up after 10 s when nobody shakes hands", async () => {
  await using server = hostileServer();
  const clock = new FakeClock();
  const opening = ReceiverConnection.open(
    { host: "localhost", port: server.port },
    verified,
    clock,
    never,
  );
  const failed = assert.rejects(
    opening,
    /no TLS handshake \(is this the TLS port, 7711 .*\) within 10 s/,
  );
  await server.accepted();
  await clock.advance(10_000);
  await failed;
});

Deno.test("receiver TLS: stops at once when aborted during the handshake", async () => {
  await using server = hostileServer();
  const abort = new AbortController();
  const receiver = { host: "localhost", port: server.port };
  const opening = ReceiverConnection.open(receiver, verified, systemClock, abort.signal);
  const failed = assert.rejects(opening, (error) => error === abort.signal.reason);
  await server.accepted();
  abort.abort();
  await failed;
});

Deno.test("receiver TLS: names host and port when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(
    logIn(port, verified),
    (error) => error instanceof AgentError && error.kind === "unavailable" && error.retryable,
  );
});

Deno.test("receiver TLS: names the file when the CA cannot be used", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const caFile = `${folder}/ca.pem`;
    await assert.rejects(logIn(1, { ...verified, caFile }), /Cannot read the CA.*ca\.pem/);
    await Deno.writeTextFile(caFile, "no certificate\n");
    await assert.rejects(logIn(1, { ...verified, caFile }), /holds no PEM certificate/);
    await Deno.writeTextFile(caFile, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    await assert.rejects(logIn(1, { ...verified, caFile }), /Cannot read the CA/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("receiver TLS: writes addresses in brackets when they are IPv6", () => {
  assert.equal(formatHostPort({ host: "::1", port: 7711 }), "[::1]:7711");
  assert.equal(formatHostPort({ host: "cep", port: 7711 }), "cep:7711");
});
