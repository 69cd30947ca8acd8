#pragma once

namespace upgate {

// Blocks all signals for the calling thread: the main thread handles them.
void BlockSignals();

// Call first in a thread that works beside the event loops. Blocks signals, and lowers the thread's
// priority where the system has one for each thread, so that the loops need not wait for a core.
void BeginSideThread();

}  // namespace upgate
