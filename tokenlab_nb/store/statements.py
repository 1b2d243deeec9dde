"""The ledger's SQL, as data. Every statement takes named parameters, and nothing is ever put into its text."""

from __future__ import annotations

from tokenlab_nb.store.rows import COLUMNS

_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(f":{name}" for name in COLUMNS)
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "id")

# A kernel that was silent for long (a closed laptop, say) may be taken for dead, and another one goes on with its jobs.
# Once it wakes, it must neither send them as well nor take back what the other one wrote; but what it learned of a task
# is news from whomever it comes.
SAVE_JOB = f"""
INSERT INTO jobs ({_NAMES}) VALUES ({_VALUES}) ON CONFLICT (id) DO UPDATE SET {_RENEWED}
WHERE CASE
    WHEN excluded.status IN ('draft', 'sending') THEN
        (jobs.status = 'draft' AND (jobs.owner IS NULL OR jobs.owner = :me))
        OR (jobs.status = 'sending' AND jobs.owner = :me AND excluded.owner IS NOT NULL)
    WHEN excluded.status = 'unknown' THEN
        jobs.status IN ('draft', 'sending', 'unknown') AND (jobs.owner IS NULL OR jobs.owner = :me)
    WHEN excluded.status = 'cancelled' AND excluded.task_id IS NULL THEN
        jobs.status IN ('draft', 'sending', 'cancelled') AND (jobs.owner IS NULL OR jobs.owner = :me)
    ELSE TRUE END
"""  # noqa: S608
SAVE_MOVE = "INSERT OR IGNORE INTO moves (job_id, seq, status, at) VALUES (:job_id, :seq, :status, :at)"
SAVE_PICTURE = "INSERT OR IGNORE INTO pictures (sha256, job_id, place) VALUES (:sha256, :job_id, :place)"
# The same bytes may come of several jobs: the oldest is the one that they come from. A child is no parent of its own.
MAKER = """
SELECT jobs.snapshot, pictures.place FROM pictures JOIN jobs ON jobs.id = pictures.job_id
WHERE pictures.sha256 = :sha256 AND (:child IS NULL OR (jobs.id <> :child AND jobs.created_at <= :before))
ORDER BY jobs.status <> 'completed', jobs.created_at, jobs.rowid, pictures.place LIMIT 1
"""
LOAD = "SELECT snapshot, owner FROM jobs WHERE id = :id"
LIST = """
SELECT snapshot FROM jobs
WHERE (:origin IS NULL OR origin = :origin)
  AND (:model IS NULL OR model = :model)
  AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
  AND (:since IS NULL OR created_at >= :since)
  AND (:until IS NULL OR created_at < :until)
ORDER BY created_at DESC, rowid DESC
"""
LATENCIES = """
SELECT latency FROM jobs
WHERE origin = :origin AND model = :model AND status = 'completed' AND latency > 0
ORDER BY ended_at DESC, rowid DESC LIMIT :limit
"""
TWIN = """
SELECT snapshot FROM jobs
WHERE origin = :origin AND request_hash = :request_hash AND status = 'completed'
ORDER BY ended_at DESC, rowid DESC LIMIT 1
"""
# What a grid asked, by request and number. A row that is no JSON is no answer to anything.
_OF_TAKES = """
FROM (SELECT *, CASE WHEN json_valid(snapshot) THEN json_extract(snapshot, '$.take') END AS take FROM jobs)
WHERE origin = :origin AND request_hash IN (SELECT value FROM json_each(:hashes)) AND take > 0
"""
TAKES = f"SELECT id, owner, request_hash, take, snapshot {_OF_TAKES} ORDER BY created_at, id"
STAND_OF_TAKES = f"SELECT id, status, owner, request_hash, take {_OF_TAKES}"
MADE_TAKES = f"SELECT request_hash, take {_OF_TAKES} AND status = 'completed'"
BY_TASK = """
SELECT snapshot FROM jobs
WHERE origin = :origin AND (task_id = :task_id OR poll_url IN (:poll_url, :origin || :poll_url))
ORDER BY created_at, rowid LIMIT 1
"""
# Failed jobs are unfinished only where pictures are noted that are not on disk.
UNFINISHED = """
SELECT id, owner, snapshot FROM jobs
WHERE origin = :origin AND (:job_id IS NULL OR id = :job_id) AND status NOT IN ('completed', 'cancelled')
  AND (status <> 'failed' OR CASE WHEN json_valid(snapshot) THEN json_array_length(snapshot, '$.origins') > 0 END)
ORDER BY created_at, rowid
"""
SPENDING = """
SELECT charge, TOTAL(estimate_low), TOTAL(estimate_high), COUNT(*), SUM(estimate_high IS NULL) FROM jobs
WHERE origin = :origin AND charge <> 'none' AND (created_at >= :since OR sent_at >= :since OR status = 'draft')
GROUP BY charge
"""
TAKE = "UPDATE jobs SET owner = :owner WHERE id = :id"
OWNERS = "SELECT id, host, pid, started, seen_at FROM owners"
OWNED = "SELECT id FROM jobs WHERE owner = :owner"
SIGN = """
INSERT INTO owners (id, host, pid, started, seen_at) VALUES (:id, :host, :pid, :started, :seen_at)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
"""
RELEASE = "UPDATE jobs SET owner = NULL WHERE owner = :owner"
LEAVE = "DELETE FROM owners WHERE id = :owner"
KEEP_VOTE = "INSERT INTO votes (id, origin, grid, at, record) VALUES (:id, :origin, :grid, :at, :record)"
VOTES = """
SELECT record FROM votes
WHERE origin = :origin AND (:grid IS NULL OR grid = :grid) AND undone_at IS NULL
ORDER BY rowid
"""
CARRY_VOTE = """
INSERT OR IGNORE INTO votes (id, origin, grid, at, record, undone_at)
VALUES (:id, :origin, :grid, :at, :record, :undone_at)
"""
DROP_VOTE = "UPDATE votes SET undone_at = :at WHERE origin = :origin AND id = :id AND undone_at IS NULL"

ALL = (
    *(SAVE_JOB, SAVE_MOVE, SAVE_PICTURE, MAKER, LOAD, LIST, LATENCIES, TWIN, BY_TASK, UNFINISHED, SPENDING),
    *(TAKES, STAND_OF_TAKES, MADE_TAKES),
    *(TAKE, OWNERS, OWNED, SIGN, RELEASE, LEAVE),
    *(KEEP_VOTE, VOTES, CARRY_VOTE, DROP_VOTE),
)
"""Each is compiled once when the ledger is opened, so that a shape that it does not fit is told at once."""
