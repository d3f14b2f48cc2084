#include "process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace patient_http::bench {

std::chrono::duration<double> process_cpu() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

double resident_bytes() {
  double ignored = 0;
  double pages = 0;
  std::ifstream("/proc/self/statm") >> ignored >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace patient_http::bench
