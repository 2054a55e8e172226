import { faultSuite } from "./fault_suite.ts";
import { systemPeers } from "./peer_kit.ts";

faultSuite(systemPeers);
