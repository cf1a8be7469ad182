"""Tables in shared memory, for all workers of a host: what a request must know without asking a database.

They are made anew at every start and filled from the journal, so that nothing here has to survive a power cut.
"""

from engine.store.tables.frequency_table import FULL, FrequencyTable
from engine.store.tables.request_table import RequestEntry, RequestTable
from engine.store.tables.shared_memory import SharedMemory
from engine.store.tables.table_lock import NullLock, TableLock

__all__ = ["FULL", "FrequencyTable", "NullLock", "RequestEntry", "RequestTable", "SharedMemory", "TableLock"]
