import type { CommitFiles } from "./home_watch.ts";

const first = {
  "index.html": "<h1>Checked out by the cartridge agent</h1>\n<p>First version.</p>\n",
  "about.txt": "The application of the sandbox.\n",
  "static/style.css": "h1 { color: teal }\n",
};

/** Both versions of the sandbox's application. */
export const sandboxCommits: CommitFiles = {
  first,
  second: {
    ...first,
    "index.html": "<h1>Checked out by the cartridge agent</h1>\n<p>Second version.</p>\n",
    "news.txt": "Came with the second version.\n",
  },
};
