"""networkx: shortest paths, flows, components, centrality and colouring of random graphs."""

import random
import sys

import networkx as nx


def main(graphs: int) -> None:
    found = 0.0
    for seed in range(graphs):
        chance = random.Random(seed)
        graph = nx.gnm_random_graph(60, 180, seed=seed)
        for first, second in graph.edges:
            graph[first][second]["weight"] = chance.randint(1, 20)
            graph[first][second]["capacity"] = chance.randint(1, 20)
        largest = graph.subgraph(max(nx.connected_components(graph), key=len)).copy()
        nodes = sorted(largest)
        found += nx.dijkstra_path_length(largest, nodes[0], nodes[-1])
        found += sum(map(len, nx.single_source_shortest_path(largest, nodes[0]).values()))
        found += nx.maximum_flow_value(largest, nodes[0], nodes[-1])
        found += sum(nx.betweenness_centrality(largest, k=6, seed=seed).values())
        found += max(nx.greedy_color(largest).values())
        found += nx.minimum_spanning_tree(largest).size(weight="weight")
        found += len(list(nx.articulation_points(largest)))
        found += len(nx.cycle_basis(largest))
    print("networkx", graphs, f"{found:.6f}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
