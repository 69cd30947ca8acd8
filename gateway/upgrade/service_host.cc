#include "gateway/upgrade/service_host.h"

namespace upgate::upgrade {

ServiceHost::ServiceHost(const plugin::Service& service, const Place& place,
                         const plugin::StatsSource& stats, ServicePost& others)
    : service_(service),
      place_(place),
      stats_(stats),
      others_(others),
      instance_(service_.Start(*this)) {}

}  // namespace upgate::upgrade
