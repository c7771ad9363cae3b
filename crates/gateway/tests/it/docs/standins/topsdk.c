/* They print what they are called with, a line each, and answer nothing. */
#include <stdio.h>
#include "topsdk.h"

pTaobaoClient alloc_taobao_client(const char *url, const char *appkey, const char *appsecret) {
    printf("client=%s %s %s\n", url, appkey, appsecret);
    return 0;
}

void destroy_taobao_client(pTaobaoClient client) { (void)client; }

pTopRequest alloc_top_request(void) { return 0; }

void destroy_top_request(pTopRequest request) { (void)request; }

int set_api_name(pTopRequest request, const char *name) {
    (void)request;
    printf("method=%s\n", name);
    return 0;
}

int add_param(pTopRequest request, const char *key, const char *value) {
    (void)request;
    printf("%s=%s\n", key, value);
    return 0;
}

pTopResponse top_execute(pTaobaoClient client, pTopRequest request, const char *session) {
    static struct TopResponse response;
    (void)client;
    (void)request;
    printf("session=%s\n", session ? session : "-");
    return &response;
}

void destroy_top_response(pTopResponse response) { (void)response; }

pTopResponseIterator init_response_iterator(pTopResponse response) {
    (void)response;
    return 0;
}

void destroy_response_iterator(pTopResponseIterator iterator) { (void)iterator; }

pResultItem alloc_result_item(void) {
    static struct ResultItem item;
    return &item;
}

void destroy_result_item(pResultItem item) { (void)item; }

int parseNext(pTopResponseIterator iterator, pResultItem item) {
    (void)iterator;
    (void)item;
    return 1;
}
