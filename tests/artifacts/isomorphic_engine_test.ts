import { engineContract } from "./engine_contract.ts";

engineContract({ name: "isomorphic", options: () => ({}) });
