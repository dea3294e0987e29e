"""Check a video against rules: what is wrong with it, where, and how bad it is.

    python examples/moderation.py upload.mp4

The verdict follows from the findings by a table, not by the model's mood.
"""

import sys

from langchain_dmx_omni import ChatDMXOmni, jobs

path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"

job = jobs.Job(ChatDMXOmni(temperature=0), jobs.moderation(), window=60, progress=sys.stderr.isatty())
report = job.invoke(path)

print(report.verdict)
for finding in report.findings:
    print(f"{finding.start:.1f}-{finding.end:.1f} s  {finding.category} ({finding.severity}): {finding.reason}")
