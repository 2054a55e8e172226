import { lifeSuite } from "./life_suite.ts";
import { embeddedPeers } from "./peer_kit.ts";

lifeSuite(embeddedPeers);
