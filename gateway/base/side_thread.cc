#include "gateway/base/side_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

#ifdef __linux__
#include <sys/resource.h>
#endif

namespace upgate {

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void BeginSideThread() {
  BlockSignals();
#ifdef __linux__
  // About a tenth of a core that is contended for. Lowering the priority is always allowed.
  constexpr int kNice = 10;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
#endif
}

}  // namespace upgate
