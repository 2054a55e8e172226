import { lifeSuite } from "./life_suite.ts";
import { systemPeers } from "./peer_kit.ts";

lifeSuite(systemPeers);
