/* The yardstick for reading lamps: what one gets with the two usual C libraries and no gateway at all. A
 * thread per connection asks each unit in turn for ten input registers with libmodbus and publishes every
 * reading alone through libmosquitto at QoS 0. No schedule, no store, no quality, no fault handling.
 *
 * usage: yardstick SECONDS BROKER_PORT UNITS_PER_PORT MODBUS_PORT...
 * prints one JSON line: reads, seconds, reads_per_s, cpu_ms_per_1000
 */
#include <errno.h>
#include <modbus.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct connection {
    pthread_t thread;
    struct mosquitto* mqtt;
    int port, units;
    double seconds;
    long reads, failures;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void* serve(void* argument) {
    struct connection* c = argument;
    modbus_t* bus = modbus_new_tcp("127.0.0.1", c->port);
    if (bus == NULL || modbus_connect(bus) != 0) {
        fprintf(stderr, "yardstick: port %d: %s\n", c->port, modbus_strerror(errno));
        exit(1);
    }
    const double end = now_s() + c->seconds;
    while (now_s() < end) {
        for (int unit = 1; unit <= c->units; ++unit) {
            uint16_t value[10];
            modbus_set_slave(bus, unit);
            if (modbus_read_input_registers(bus, 0, 10, value) != 10) {
                ++c->failures;
                continue;
            }
            char topic[64], text[256];
            snprintf(topic, sizeof topic, "yardstick/%d/%d", c->port, unit);
            const int length =
                snprintf(text, sizeof text,
                         "{\"ts\":%ld,\"level\":%u,\"on\":%u,\"voltage\":%.1f,\"current\":%.3f,\"power\":%."
                         "1f,\"pf\":%.3f,\"energy\":%u}",
                         (long)time(NULL), value[0], value[1], value[2] / 10.0, value[3] / 1000.0,
                         value[4] / 10.0, value[5] / 1000.0, (unsigned)value[6] << 16U | value[7]);
            mosquitto_publish(c->mqtt, NULL, topic, length, text, 0, false);
            ++c->reads;
        }
    }
    modbus_close(bus);
    modbus_free(bus);
    return NULL;
}

int main(int argc, char** argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: yardstick SECONDS BROKER_PORT UNITS_PER_PORT MODBUS_PORT...\n");
        return 2;
    }
    const double seconds = atof(argv[1]);
    mosquitto_lib_init();
    struct mosquitto* mqtt = mosquitto_new(NULL, true, NULL);
    if (mosquitto_connect(mqtt, "127.0.0.1", atoi(argv[2]), 60) != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "yardstick: no broker\n");
        return 1;
    }
    mosquitto_loop_start(mqtt);
    const int count = argc - 4;
    struct connection* connections = calloc((size_t)count, sizeof *connections);
    const double begin = now_s();
    for (int i = 0; i < count; ++i) {
        connections[i] = (struct connection){
            .mqtt = mqtt, .port = atoi(argv[4 + i]), .units = atoi(argv[3]), .seconds = seconds};
        pthread_create(&connections[i].thread, NULL, serve, &connections[i]);
    }
    long reads = 0, failures = 0;
    for (int i = 0; i < count; ++i) {
        pthread_join(connections[i].thread, NULL);
        reads += connections[i].reads;
        failures += connections[i].failures;
    }
    const double passed = now_s() - begin;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    const double cpu_ms = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
                          (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
    printf(
        "{\"reads\":%ld,\"failures\":%ld,\"seconds\":%.3f,\"reads_per_s\":%.0f,\"cpu_ms_per_1000\":%.3f}\n",
        reads, failures, passed, (double)reads / passed, cpu_ms / ((double)reads / 1000.0));
    mosquitto_disconnect(mqtt);
    mosquitto_loop_stop(mqtt, true);
    mosquitto_destroy(mqtt);
    free(connections);
    return failures == 0 ? 0 : 1;
}
