import { openMosquitto } from "../mosquitto.ts";
import { peerTest } from "../system_peers.ts";
import { connectionContract } from "./connection_contract.ts";

connectionContract(
  "broker connection at mosquitto",
  (credentials) => openMosquitto({ ...credentials }),
  (title, body) => peerTest(title, ["mosquitto"], body),
);
