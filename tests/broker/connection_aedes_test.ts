import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { freePort } from "../mosquitto.ts";
import { connectionContract } from "./connection_contract.ts";

connectionContract("broker connection at the embedded broker", async (credentials) => {
  const broker = await openMqttBroker({ ...credentials, port: freePort() });
  return {
    port: broker.port,
    stop: broker.kill,
    restart: broker.restart,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}, Deno.test);
