// Replays recorded inputs into the model of tb_equinox, without Python or VPI: what the simulation would cost alone.
//
// Usage: simulator STIMULUS [+plusargs]. The stimulus file (verif/env/stimulus.py) is text, times in time steps, ascending:
//   measure BEGIN END           the time between is what is measured; the run stops at END
//   region ADDRESS SIZE         bytes of the DRAM that the end state's digest covers, in this order
//   TIME SIGNAL HEX             a change of an input, after what else happens at that time
// Prints one line of JSON: wall and processor seconds, and what the run brought, to be compared with the recorded run.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "Vtop.h"
#include "Vtop___024root.h"
#include "verilated.h"

namespace {

using Words = std::vector<uint32_t>;  // least significant first

struct Change {
  uint64_t time;
  const std::function<void(const Words&)>* put;
  Words value;
};

template <typename T>
void assign(T& signal, const Words& value) {
  uint64_t bits = 0;
  for (size_t n = 0; n < value.size() && n < 2; n++) bits |= static_cast<uint64_t>(value[n]) << (32 * n);
  signal = static_cast<T>(bits);
}

template <std::size_t N>
void assign(VlWide<N>& signal, const Words& value) {
  for (size_t n = 0; n < N; n++) signal[n] = n < value.size() ? value[n] : 0;
}

Words parse_hex(const std::string& text) {
  Words words;
  for (size_t end = text.size(); end > 0;) {
    const size_t begin = end > 8 ? end - 8 : 0;
    words.push_back(static_cast<uint32_t>(std::stoul(text.substr(begin, end - begin), nullptr, 16)));
    end = begin;
  }
  return words;
}

// FNV-1a over the bytes of signals, least significant first (on a little-endian machine, as the model's words lie)
struct Digest {
  uint64_t value = 0xcbf29ce484222325ull;
  void add(const void* data, size_t size) {
    for (size_t n = 0; n < size; n++) value = (value ^ static_cast<const uint8_t*>(data)[n]) * 0x100000001b3ull;
  }
};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "bare_loop: " << what << "\n";
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: simulator STIMULUS [+plusargs]");
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vtop top{&context, ""};
  auto* root = top.rootp;

  std::map<std::string, std::function<void(const Words&)>> signals;
#define SIGNAL(name, path) \
  signals[name] = [root](const Words& value) { assign(root->tb_equinox__DOT__##path, value); }
#define TOP(name) SIGNAL(#name, name)
  TOP(rst_n), TOP(rsp_stall_pct);
  TOP(s_axil_awvalid), TOP(s_axil_awaddr), TOP(s_axil_wvalid), TOP(s_axil_wdata), TOP(s_axil_wstrb), TOP(s_axil_bready);
  TOP(s_axil_arvalid), TOP(s_axil_araddr), TOP(s_axil_rready);
  TOP(s_tvalid), TOP(s_tdata), TOP(s_tlast);
  SIGNAL("u_core.u_probe.unit_probe", u_core__DOT__u_probe__DOT__unit_probe);
  SIGNAL("u_dram.stall_pct", u_dram__DOT__stall_pct), SIGNAL("u_dram.stall_seed", u_dram__DOT__stall_seed);
#undef TOP
#undef SIGNAL

  std::ifstream file(argv[1]);
  if (!file) fail(std::string("cannot read ") + argv[1]);
  uint64_t begin = 0, end = 0;
  std::vector<std::pair<uint64_t, uint64_t>> regions;
  std::vector<Change> changes;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string first, second, third;
    in >> first >> second >> third;
    if (first == "measure") {
      begin = std::stoull(second), end = std::stoull(third);
    } else if (first == "region") {
      regions.emplace_back(std::stoull(second), std::stoull(third));
    } else {
      const auto found = signals.find(second);
      if (found == signals.end()) fail("no such signal: " + line);
      changes.push_back({std::stoull(first), &found->second, parse_hex(third)});
    }
  }
  if (end <= begin) fail("no `measure` line");

  auto& tvalid = root->tb_equinox__DOT__m_tvalid;
  auto& tready = root->tb_equinox__DOT__m_tready;
  auto& tlast = root->tb_equinox__DOT__m_tlast;
  auto& tdata = root->tb_equinox__DOT__m_tdata;
  auto& rst_n = root->tb_equinox__DOT__rst_n;
  auto& clk = root->tb_equinox__DOT__clk;
  uint64_t responses = 0;
  Digest answers, memory;
  size_t next = 0;
  using Clock = std::chrono::steady_clock;
  Clock::time_point started = Clock::now();
  std::clock_t ticks = std::clock();
  bool measuring = false, was_reset = false;  // before reset, registers are random

  while (!context.gotFinish()) {
    const uint64_t time = context.time();
    if (!measuring && time >= begin) {
      measuring = true;
      started = Clock::now();
      ticks = std::clock();
    }
    top.eval();
    if (next < changes.size() && changes[next].time == time) {
      for (; next < changes.size() && changes[next].time == time; next++) (*changes[next].put)(changes[next].value);
      top.eval();
    }
    if (!rst_n) was_reset = true;
    if (was_reset && !clk && tvalid && tready) {
      responses += tlast;
      answers.add(&tdata, sizeof tdata);
    }
    if (time >= end) break;
    uint64_t later = top.eventsPending() ? top.nextTimeSlot() : end;
    if (next < changes.size() && changes[next].time < later) later = changes[next].time;
    context.time(later);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  const double cpu = static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC;

  const auto& mem = root->tb_equinox__DOT__u_dram__DOT__mem;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&mem[0]);
  for (const auto& [address, size] : regions) memory.add(bytes + address, size);
  std::printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"cycle\": %u, \"responses\": %llu, \"steps\": %u, \"answers\": %llu, \"memory\": %llu}\n", seconds, cpu,
              static_cast<unsigned>(root->tb_equinox__DOT__cycle), static_cast<unsigned long long>(responses),
              static_cast<unsigned>(root->tb_equinox__DOT__u_core__DOT__u_probe__DOT__steps), static_cast<unsigned long long>(answers.value),
              static_cast<unsigned long long>(memory.value));
  top.final();
  return context.gotFinish() ? 1 : 0;
}
