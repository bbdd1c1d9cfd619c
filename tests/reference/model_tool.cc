// model_tool IN OUT: loads a model directory and saves it again, as an export would.
#include <cstdio>

#include "models/checkpoint.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    maru::save_model(*maru::load_model(argv[1]), argv[2]);
  } catch (const maru::Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
