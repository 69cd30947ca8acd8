#include "gateway/app/command_line.h"

int main(int argc, char** argv) {
  return upgate::app::RunCommandLine(argc, argv);
}
