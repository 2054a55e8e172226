import { eventsSuite } from "./events_suite.ts";
import { systemPeers } from "./peer_kit.ts";

eventsSuite(systemPeers);
