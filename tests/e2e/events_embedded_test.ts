import { eventsSuite } from "./events_suite.ts";
import { embeddedPeers } from "./peer_kit.ts";

eventsSuite(embeddedPeers);
