import { faultSuite } from "./fault_suite.ts";
import { embeddedPeers } from "./peer_kit.ts";

faultSuite(embeddedPeers);
