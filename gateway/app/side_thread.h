#pragma once

namespace upgate::app {

// Call first in a thread that works beside the event loops. Blocks all signals, which the main
// thread handles, and lowers the thread's priority where the system has one for each thread, so
// that the loops need not wait for a core.
void BeginSideThread();

}  // namespace upgate::app
