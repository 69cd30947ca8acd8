#pragma once

#include <string_view>

namespace upgate::app {

// demo_page.html, which the build puts into the program.
std::string_view DemoPage();

}  // namespace upgate::app
