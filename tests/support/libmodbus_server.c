/* A Modbus server made of libmodbus, an implementation that is not ours.
 *
 * usage: libmodbus_server tcp             on a TCP port of loopback; prints "listening on N" when it listens
 *        libmodbus_server rtu DEVICE      on a terminal at 9600 8N1; prints "ready"
 *
 * Unit 17: holding register i = 3 i, input register i = 1000 + i, coil i = (i divisible by 3), discrete input
 * i = (i odd), i from 0 to 199. It runs until it is ended. */
#include <arpa/inet.h>
#include <modbus.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { count = 200, unit = 17 };

static void serve(modbus_t* context, modbus_mapping_t* map) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        const int length = modbus_receive(context, query);
        if (length < 0) {
            return;
        }
        if (length > 0) {
            modbus_reply(context, query, length, map);
        }
    }
}

static int serve_tcp(modbus_mapping_t* map) {
    modbus_t* context = modbus_new_tcp("127.0.0.1", 0);
    int listening = modbus_tcp_listen(context, 4);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (listening < 0 || getsockname(listening, (struct sockaddr*)&address, &size) != 0) {
        return 1;
    }
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        if (modbus_tcp_accept(context, &listening) < 0) {
            return 1;
        }
        serve(context, map);
        modbus_close(context);
    }
}

static int serve_rtu(const char* device, modbus_mapping_t* map) {
    modbus_t* context = modbus_new_rtu(device, 9600, 'N', 8, 1);
    if (context == NULL || modbus_set_slave(context, unit) != 0 || modbus_connect(context) != 0) {
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        serve(context, map);
        if (access(device, F_OK) != 0) {
            return 0;
        }
    }
}

int main(int argc, char** argv) {
    modbus_mapping_t* map = modbus_mapping_new(count, count, count, count);
    for (int i = 0; i < count; ++i) {
        map->tab_registers[i] = (uint16_t)(3 * i);
        map->tab_input_registers[i] = (uint16_t)(1000 + i);
        map->tab_bits[i] = i % 3 == 0;
        map->tab_input_bits[i] = i % 2 == 1;
    }
    if (argc == 2 && strcmp(argv[1], "tcp") == 0) {
        return serve_tcp(map);
    }
    if (argc == 3 && strcmp(argv[1], "rtu") == 0) {
        return serve_rtu(argv[2], map);
    }
    return 2;
}
